"""Pages and posters of the directory for people without an account. Contents: information (help pages, questions by
SMS, messages of an information point), posters. They show the public level only, to everybody. Begin with
`information/`."""
