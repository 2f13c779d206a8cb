"""What keeps house: schedules that remove what is old, and sensors that sweep up what others left."""
