"""Outside tools that judge the API description and the running stack by it."""
