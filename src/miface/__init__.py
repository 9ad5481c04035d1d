"""miface: how much of the faces it was trained on does a face recogniser give away?"""
