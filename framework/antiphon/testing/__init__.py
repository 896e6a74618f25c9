"""What helps to test applications built on antiphon, and antiphon itself."""
