"""Pages and posters of the directory for people without an account.

Contents: information (help pages, questions by SMS, the message of an information point), posters.

It shows the public level only, to everybody.
Begin with `information/`.
"""
