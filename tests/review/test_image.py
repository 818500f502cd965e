"""The README's image of a review shows the comment as it is now: its text is compared, and no pixels."""

from scripts import images


def test_the_reviews_image_shows_its_comment() -> None:
    assert images.review() == (images.FOLDER / "review.txt").read_text(encoding="utf-8"), "make record"
    assert (images.FOLDER / "review.png").stat().st_size > 20_000
