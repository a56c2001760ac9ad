"""Ctrl-C in the middle of a transaction."""


def interrupt_behind(error: BaseException, handled: BaseException | None) -> BaseException | None:
    """Return the interrupt that an error comes from, if there is one.

    SQLAlchemy's transactions cannot be interrupted everywhere: on its way out, an interrupt may trip one
    of their assertions, and then it is but the context of that.

    Args:
        error: What came out of a transaction.
        handled: What was being handled already when it began, such as the Ctrl-C after which a run is marked.

    Returns:
        What is no `Exception`, such as KeyboardInterrupt or SystemExit.
    """
    found: BaseException | None = error
    while found is not None and found is not handled:
        if not isinstance(found, Exception):
            return found
        found = found.__context__
    return None
