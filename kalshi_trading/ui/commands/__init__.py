"""One-shot commands of the program, one file per verb."""
