"""What is learned: networks, losses, and the variants made of them."""
