"""The three kinds of patch: JSON Patch, XML Patch, FHIRPath Patch."""
