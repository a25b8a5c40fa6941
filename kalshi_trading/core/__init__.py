"""The nouns of trading and their arithmetic; nothing here reads or writes."""
