"""Tables on their way out, and the file formats that they are written in."""
