"""What a broker or a transport has to do, as checks that anyone can run on their own."""
