"""Warning the right people, once, in time: proposals, approval, audience, delivery, CAP."""
