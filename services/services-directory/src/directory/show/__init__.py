"""Pages and posters of the directory for people without an account. Contents: information (help pages, queries by SMS,
messages of an information point), posters. They show everybody only the public level. Begin with `information/`."""
