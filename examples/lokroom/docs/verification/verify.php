<?php

// $headers: with lower-case names. $rawBody: file_get_contents('php://input').
function verify(array $headers, string $rawBody, string $secret): bool
{
    $given = $headers['x-lok-signature'] ?? null;
    if (!is_string($given)) {
        return false;
    }
    $key = $secret;
    if ($key === false || $key === '') {
        return false;
    }
    $expected = hash_hmac('sha256', $rawBody, $key, false);
    foreach ([$given] as $one) {
        if (hash_equals($expected, $one)) {
            return true;
        }
    }
    return false;
}
