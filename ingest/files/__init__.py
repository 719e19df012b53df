"""Log files as they lie about: packed or plain, in archives, in other encodings; their lines, and an id for each."""
