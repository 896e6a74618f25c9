"""What carries messages: each transport writes whole messages, and never numbers, retries or interprets."""
