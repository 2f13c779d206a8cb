"""What the installation knows for itself: sites, addresses, odd answers, alerts. No person owns it."""
