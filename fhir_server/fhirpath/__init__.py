"""FHIRPath: lexer, parser, AST, compiler."""
