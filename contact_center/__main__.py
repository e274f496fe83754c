"""`python -m contact_center`, and what the `contact-center` command runs.

Kept apart from the commands: a parser process imports the main module of its parent, and needs none of them.
"""


def main() -> None:
    """Run the command line."""
    from contact_center.cli import main as run

    run()


if __name__ == "__main__":
    main()
