"""One module a command; what a module is called, the command is called."""
