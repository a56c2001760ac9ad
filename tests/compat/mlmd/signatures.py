"""Prints the names, signatures and codes of an API like ML Metadata's, as JSON.

Runs in the original's environment as a program, and in ours as a module.
"""

import inspect
import json


def parameters(function):
    """What a call of a function may say: each parameter's name, kind and default."""
    return [
        [p.name, p.kind.name, None if p.default is p.empty else repr(p.default)]
        for p in inspect.signature(function).parameters.values()
    ]


def system_type(kind):
    """The name and number of a system type; None for what they have in common."""
    try:
        return [kind().name, kind().system_type]
    except (AttributeError, NotImplementedError, TypeError):
        return None


def describe(package, store_class, extra_options):
    """Everything that a caller can see."""
    errors = package.errors
    # Those that others are known to override or read; the rest of what begins with _ is nobody's business.
    methods = {
        name: parameters(member)
        for name, member in inspect.getmembers(store_class, inspect.isfunction)
        if not name.startswith("_") or name in {"__init__", "_call", "_call_method"}
    }
    return {
        "methods": methods,
        "properties": [n for n, _ in inspect.getmembers(store_class, lambda m: isinstance(m, property))],
        "functions": {"downgrade_schema": parameters(package.downgrade_schema)},
        "list options": parameters(package.ListOptions),
        "extra options": parameters(extra_options.__init__),
        "order": {each.name: each.value for each in package.OrderByField},
        "codes": {n: v for n, v in vars(errors).items() if n.isupper() and isinstance(v, int)},
        "errors": {
            n: parameters(v.__init__)
            for n, v in vars(errors).items()
            if inspect.isclass(v) and issubclass(v, errors.StatusError)
        },
        "error functions": {
            name: parameters(getattr(errors, name))
            for name in ("make_exception", "exception_type_from_error_code")
        },
        "proto": sorted(n for n in vars(package.proto) if n[0].isupper()),
        "types": {
            n: system_type(v)
            for n, v in vars(package.metadata_store.mlmd_types).items()
            if inspect.isclass(v) and not n.startswith("_")
        },
    }


def main():
    """Print the original's."""
    import ml_metadata  # pyright: ignore[reportMissingImports]
    import ml_metadata.metadata_store.mlmd_types  # pyright: ignore[reportMissingImports]

    store = ml_metadata.metadata_store.metadata_store
    print(json.dumps(describe(ml_metadata, store.MetadataStore, store.ExtraOptions)))


if __name__ == "__main__":
    main()
