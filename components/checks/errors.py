"""Errors that the reader can put right."""

import pulumi


class UsageError(pulumi.RunError):
    """What was asked for cannot be deployed; the text says what is wrong, where, and what to write instead.

    Pulumi shows a `RunError` as its message alone, without a stack trace.
    """
