"""Numbers in, sentences out. Pure strings; nothing is counted here."""
