"""The exchange's JSON, read into the program's nouns."""
