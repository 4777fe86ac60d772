"""The FHIR R4 server of Osteon."""


def __getattr__(name: str) -> str:
    # Read when asked for: looking for the package's metadata takes as long as validating a hundred resources.
    if name == "__version__":
        from importlib.metadata import version

        return version("osteon")
    raise AttributeError(name)
