import NIOCore
import NIOHTTP1

/// Ends connections on which a peer takes its time: whose request's head does not arrive, whose body stands still, or who
/// does not take what it is sent.
final class ConnectionTimes: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let limits: HTTPServer.Limits
    /// For the head of the next request, from the moment on in which it may come.
    private var head: Scheduled<Void>?
    /// For the next part of a body that is read.
    private var body: Scheduled<Void>?
    /// For bytes that the peer has to take.
    private var taking: Scheduled<Void>?
    /// Requests whose end has not come, and answers that have not gone out.
    private var isReading = false
    private var waitingAnswers = 0

    init(limits: HTTPServer.Limits) { self.limits = limits }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { awaitHead(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        awaitHead(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        for timer in [head, body, taking] { timer?.cancel() }
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            head?.cancel()
            (isReading, waitingAnswers) = (true, waitingAnswers + 1)
        case .body: break
        case .end: isReading = false
        }
        body?.cancel()
        context.fireChannelRead(data)
    }

    /// What is not read is not waited for: then it is us who take our time.
    func read(context: ChannelHandlerContext) {
        body?.cancel()
        if isReading { body = end(context, after: limits.body) }
        context.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            waitingAnswers -= 1
            if waitingAnswers == 0 { awaitHead(context) }
        }
        if taking == nil { taking = end(context, after: limits.taking) }
        context.write(data, promise: promise)
    }

    /// All of what was written went out.
    func flushed() {
        taking?.cancel()
        taking = nil
    }

    private func awaitHead(_ context: ChannelHandlerContext) {
        head?.cancel()
        head = end(context, after: limits.head)
    }

    private func end(_ context: ChannelHandlerContext, after time: TimeAmount) -> Scheduled<Void> {
        let channel = context.channel
        return context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }
}
