"""What `make setup` does: prerequisites, libraries, jars, the class archive."""
