"""External ids: which directory entry an id in another publisher's file refers to."""
