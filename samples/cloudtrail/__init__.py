"""The CloudTrail part of the samples: record shapes, everyday traffic, and the story."""
