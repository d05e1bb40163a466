from shared.command_line import explain_missing_packages

explain_missing_packages()
