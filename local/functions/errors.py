"""What stops the host from starting."""


class StartError(Exception):
    """The app cannot run as it is configured. The text has the mistake and the correction."""
