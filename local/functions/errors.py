"""What stops the host from starting."""


class StartError(Exception):
    """The app cannot run as it is configured. The text says what is wrong and what to change."""
