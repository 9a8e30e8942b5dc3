"""Random stories of people, organisations and staff: one module per group of roads, judged by `oracle`."""
