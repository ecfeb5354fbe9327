"""The reference agent: LangGraph Start → Read → Think → Act, with GitHub tools of its own."""
