"""An empty flow, as Prefect's documentation writes its first one."""

from prefect import flow


@flow
def my_flow():
    pass


if __name__ == "__main__":
    my_flow()
