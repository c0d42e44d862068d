//! The queue between the scheduler and who reads an attempt's events.
//!
//! The scheduler never waits for a reader. A reader that lags gets the same text in fewer, longer pieces,
//! so a queue holds little more than the text itself, and an attempt's text is bounded by its tokens.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::Stream;
use strawberry_core::{ModelError, ModelEvent};

/// Events that may wait singly; beyond that, text is joined to the text before it.
const SINGLE: usize = 64;

type Item = Result<ModelEvent, ModelError>;

#[derive(Default)]
struct State {
    queue: VecDeque<Item>,
    waker: Option<Waker>,
    /// The last item was queued.
    ended: bool,
    /// The reader is gone.
    dropped: bool,
}

type Shared = Arc<Mutex<State>>;

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The scheduler's end. Dropping it before an end was sent ends the stream with an error, so no attempt is
/// ever lost in silence.
pub struct EventSender(Shared);

/// The reader's end.
pub struct EventStream(Shared);

/// A new queue.
pub fn channel() -> (EventSender, EventStream) {
    let shared = Shared::default();
    (EventSender(Arc::clone(&shared)), EventStream(shared))
}

impl EventSender {
    /// Queues an event.
    pub fn send(&self, event: ModelEvent) {
        self.push(Ok(event));
    }

    /// Ends the stream with an error.
    pub fn fail(&self, error: ModelError) {
        self.push(Err(error));
    }

    /// Whether the reader is gone.
    pub fn is_dropped(&self) -> bool {
        lock(&self.0).dropped
    }

    fn push(&self, item: Item) {
        let waker = {
            let mut state = lock(&self.0);
            if state.ended || state.dropped {
                return;
            }
            state.ended = matches!(item, Ok(ModelEvent::Done { .. }) | Err(_));
            let waiting = state.queue.len();
            let left = match state.queue.back_mut() {
                Some(last) if waiting >= SINGLE => join(last, item),
                _ => Some(item),
            };
            state.queue.extend(left);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for EventSender {
    fn drop(&mut self) {
        self.fail(ModelError::Internal(
            "the engine stopped before the attempt had ended".to_owned(),
        ));
    }
}

/// Joins `item` to `last` if both are text of one channel; gives it back otherwise.
fn join(last: &mut Item, item: Item) -> Option<Item> {
    match (last, item) {
        (
            Ok(ModelEvent::Text {
                channel,
                text,
                tokens,
                logprobs,
                alternatives,
            }),
            Ok(ModelEvent::Text {
                channel: next_channel,
                text: next_text,
                tokens: next_tokens,
                logprobs: next_logprobs,
                alternatives: next_alternatives,
            }),
        ) if *channel == next_channel => {
            text.push_str(&next_text);
            *tokens += next_tokens;
            logprobs.extend(next_logprobs);
            alternatives.extend(next_alternatives);
            None
        }
        (_, item) => Some(item),
    }
}

impl Stream for EventStream {
    type Item = Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        let mut state = lock(&self.0);
        if let Some(item) = state.queue.pop_front() {
            return Poll::Ready(Some(item));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.dropped = true;
        state.queue.clear();
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::executor::block_on;
    use strawberry_core::{Channel, Finish, Usage};

    use super::*;

    fn text(channel: Channel, text: &str) -> ModelEvent {
        ModelEvent::Text {
            channel,
            text: text.to_owned(),
            tokens: 1,
            logprobs: Vec::new(),
            alternatives: Vec::new(),
        }
    }

    #[test]
    fn a_slow_reader_gets_everything_in_longer_pieces() {
        let (sender, stream) = channel();
        let mut want = String::new();
        for i in 0..10_000 {
            let channel = if i < 5000 {
                Channel::Thinking
            } else {
                Channel::Answer
            };
            sender.send(text(channel, "ab"));
            want.push_str("ab");
        }
        let done = ModelEvent::Done {
            finish: Finish::Stop,
            usage: Usage::default(),
        };
        sender.send(done.clone());
        sender.send(text(Channel::Answer, "after the end"));
        drop(sender);
        let events: Vec<_> = block_on(stream.map(Result::unwrap).collect());
        assert!(events.len() < SINGLE + 4, "{} events", events.len());
        assert_eq!(events.last(), Some(&done));
        let (mut got, mut counts) = (String::new(), [0; 2]);
        for event in &events {
            if let ModelEvent::Text {
                channel,
                text,
                tokens,
                ..
            } = event
            {
                got.push_str(text);
                counts[usize::from(*channel == Channel::Answer)] += tokens;
            }
        }
        assert_eq!((got, counts), (want, [5000, 5000]));
    }

    #[test]
    fn a_lost_sender_is_an_error_and_a_lost_reader_is_seen() {
        let (sender, stream) = channel();
        assert!(!sender.is_dropped());
        drop(sender);
        let events: Vec<_> = block_on(stream.collect());
        assert!(matches!(events[..], [Err(ModelError::Internal(_))]));
        let (sender, stream) = channel();
        drop(stream);
        assert!(sender.is_dropped());
    }
}
