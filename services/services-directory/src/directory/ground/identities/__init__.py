"""External ids: which of our entries an id in another publisher's file means."""
