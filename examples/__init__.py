"""Programs that show antiphon at work; each runs with one command and is run by the tests."""
