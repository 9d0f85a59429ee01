raise ValueError("it is said in\ntwo lines")
