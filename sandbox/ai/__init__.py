"""OpenAI transcription, Gemini and Google Vision, as their SDKs meet them."""
