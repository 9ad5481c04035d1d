"""Errors that are the user's to mend: one line, no traceback."""


class MifaceError(Exception):
    """A mistake in the parameters or the input, told to a person.

    The message names the file, key or label, what was found, what was expected, and what to do.
    """
