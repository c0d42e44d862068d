"""Takes the first message and becomes what it asks for."""


def main():
    job = receive()
    role = job["role"]
    if role == "judge":
        serve_judge()
    elif role == "program":
        serve_program(job)
    else:
        run_script(job)


main()
