"""Random stories of several people, organisations and their staff: a module for each group of roads, judged by `oracle`."""
