from cog import BaseRunner


class Runner(BaseRunner):
    def setup(self) -> None:
        print("looking for the weights")
        raise RuntimeError("there are no weights")

    def run(self) -> str:
        return "never"
