"""Pages of a crew's phone: jobs and moves, kept on the phone where there is no network."""
