"""How the vocabulary is spelled on each wire. Pure: a dialect never does anything, it says what is to be done."""
