"""How people hear that something waits for them: mailbox, browser, telephone; the text says nothing."""
