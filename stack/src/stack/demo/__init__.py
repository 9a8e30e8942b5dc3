"""The whole demo story, played through the gateway by two organisations, a coordinator and an IM officer."""
