"""The rules, one file per family: its fast check (`compile_…`) and its detailed one (`explain_…`)."""
