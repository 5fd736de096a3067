"""What raw data and maps are like, before anything is trained: tables and figures of them."""
