"""What every layer speaks: JSON, primitive types, references, issues."""
