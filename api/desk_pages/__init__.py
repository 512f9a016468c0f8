"""Pages of the repair desk: the queue, and the page of a ticket with its moves. They can be read without JavaScript."""
